"""Measures how much the inputs of each layer matter.

`convert` uses these numbers to choose the scales of quantised weights.
"""

import torch

from .layers import Conv


@torch.no_grad()
def calibrate(network, runs, name_of=lambda name: name):
    """The mean square of each input of each matrix, by the matrix's name in the model file.

    The mean is taken over all `runs`, which are functions that each run the network once.
    """
    sums, counts = {}, {}

    def watch(name, module):
        def hook(_module, arguments):
            x = arguments[0].flatten(0, -2).square()
            repeats = module.kernel**2 if isinstance(module, Conv) else 1
            sums[name] = sums.get(name, 0.0) + x.sum(0).repeat(repeats)
            counts[name] = counts.get(name, 0) + len(x)

        return module.register_forward_pre_hook(hook)

    layers = [
        (name, module)
        for name, module in network.named_modules()
        if isinstance(module, (torch.nn.Linear, Conv))
    ]
    hooks = [watch(name_of(f"{name}.weight"), module) for name, module in layers]
    for run in runs:
        run()
    for hook in hooks:
        hook.remove()
    return {name: (sums[name] / counts[name]).contiguous() for name in sums}
