"""Programs with a screen at their pace: what a window and a terminal have in common.

pacing   when the next frame is due
loop     what runs when: frames, slices of long ones, events that wait, limits
"""
