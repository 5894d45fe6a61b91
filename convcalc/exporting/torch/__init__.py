"""Network files as PyTorch code: one module of nn.Module classes, without a package of ours."""
