"""The demo: a photograph at half its size, enlarged by a trained filter bank and by plain interpolation.

README.md beside this file says where the pictures and the filters come from.
"""
