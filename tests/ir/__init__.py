"""Region IR: its text, its rules, its meaning, and golden tests of the passes.

    passes/*.ir    a graph, and behind `; check:` the graph that passes must make of it
    broken/*.ir    a graph that breaks a rule, and behind `; error:` a part of the complaint
    golden.py      reads, runs and blesses these files
    states.py      random states to run graphs in, to compare what they do
    formed.py      graphs of regions as the JIT forms them, made from random programs

After a pass was changed on purpose: ``python -m tests.ir --bless``, then read the difference.
"""
