"""One real forward, recorded as a torch.fx graph and described."""
