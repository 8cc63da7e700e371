/** Saves a file as a download. */
export function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download reads the address later than this task.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
