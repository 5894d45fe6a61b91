"""Convolutions with weights of their own, and linear layers."""
