"""The engine: a photo's pixels through the network, at several scales, to one map and one verdict."""
