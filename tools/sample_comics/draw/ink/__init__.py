"""The means of drawing: colours, curves and the pen."""
