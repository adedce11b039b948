"""Image formats, crops, thumbnails and keypoints; decoding within limits."""
