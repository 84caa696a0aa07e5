"""Native code of devices: kernels, written for numba, kept as LLVM text, run as machine code.

    kernels.py --making--> NAME.ll --library--> machine code, in the code cache and the arena

language   what kernels are written in: memory by address; `typed` is the same for numba
making     from a kernel to its text: a step of development, `python -m tests.varvara.native`
library    from the text to installed code: all that happens where programs run

The text lies beside its source. So whoever draws or plays something needs no numba, which takes
0.4 s to import and 1.5 s to type and lower what there is; LLVM makes code of the text in less than
0.1 s, once, and then the code cache has it. Where no native code may run, or there is no LLVM to
make it, kernels run as the Python functions that they are: slowly, and with the same results.

A test holds that text and source belong together.
"""
