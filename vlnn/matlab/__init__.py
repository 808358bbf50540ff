"""Everything that knows MATLAB: arguments, arrays, values and files."""
