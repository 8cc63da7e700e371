// Shared: one dimension of a grid holds 65,535 workgroups at most, so a long row of them is folded. `info.groups_x` are along x.

// The number of a thread in the whole row.
fn unfolded(group: vec3<u32>, lane: u32) -> u32 {
    return (group.y * info.groups_x + group.x) * 64u + lane;
}
