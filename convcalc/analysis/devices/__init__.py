"""The least that a device must spend on a network: rooflines, kernel by kernel.

A *device* is a file of numbers, each with its source; a *runtime* is a file of rules that say which
layers one kernel computes. For each kernel

    compute = FLOPs / peak          memory = bytes / bandwidth
    bound   = max(compute, memory)

where bytes are what the kernel reads and writes if each of its inputs, its weights and its output
pass memory once, and what lies between its layers never does. The bound of a network is an
interval: its lower end adds up the kernels of the runtime, its upper end a kernel for every layer,
each with one launch. These are bounds of a model of the device, not times: real kernels reach
neither the peak nor the bandwidth. A tensor that stays in the last-level cache is not moved at all,
which the model leaves out (see :attr:`~convcalc.analysis.report.bounds.Roofline.in_cache`).

A number that a file does not state is unknown, and so is what depends on it.
:mod:`~convcalc.analysis.devices.shelf` finds devices and runtimes,
:mod:`~convcalc.analysis.devices.bounds` adds the bounds to a report, and
:mod:`~convcalc.analysis.devices.fitting` makes a device from timings.

Source: Williams, Waterman, Patterson, "Roofline: An Insightful Visual Performance Model for
Multicore Architectures", CACM 52(4), 2009.
"""
