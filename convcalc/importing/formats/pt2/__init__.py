"""Programs of torch.export, read without PyTorch and without their weights."""
