"""Decoding of images, crops, thumbnails and keypoints."""
