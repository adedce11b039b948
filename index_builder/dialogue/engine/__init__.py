"""The parts of the OCR engine: networks, text detection, text recognition."""
