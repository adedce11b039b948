"""The encoder's network as OpenVINO graphs, built from NumPy weights under the published key names."""
