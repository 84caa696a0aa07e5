"""Paced playing of programs with a screen: what a window and a terminal have in common.

pacing   when the next frame is due
loop     the order of things: frames, slices of long ones, waiting events, limits
"""
