"""The demo: a photograph at half its size, enlarged by a trained network and by plain interpolation.

README.md beside this file says where the pictures and the network come from.
"""
