// Shared. One dimension of a grid holds at most 65,535 workgroups, so a long row of them is folded.
// `info.groups_x` of them are along x.

// The index of a thread in the whole row.
fn unfolded(group: vec3<u32>, lane: u32) -> u32 {
    return (group.y * info.groups_x + group.x) * 64u + lane;
}
