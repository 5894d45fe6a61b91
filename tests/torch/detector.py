import torch
from torch import Tensor, nn


class ConvBlock(nn.Sequential):
    def __init__(self, c_in: int, c: int, k: int = 1, s: int = 1) -> None:
        conv = nn.Conv2d(c_in, c, k, s, k // 2, bias=False)
        super().__init__(conv, nn.BatchNorm2d(c), nn.SiLU())


class Residual(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.body = nn.Sequential(ConvBlock(c, c, 3), ConvBlock(c, c, 3))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class Partial(nn.Module):
    def __init__(self, c_in: int, c: int, n: int) -> None:
        super().__init__()
        self.short = ConvBlock(c_in, c // 2)
        self.long = nn.Sequential(ConvBlock(c_in, c // 2), *(Residual(c // 2) for _ in range(n)))
        self.join = ConvBlock(c, c)

    def forward(self, x: Tensor) -> Tensor:
        return self.join(torch.cat([self.short(x), self.long(x)], 1))


class Pyramid(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.squeeze = ConvBlock(c, c // 2)
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.join = ConvBlock(c * 2, c)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze(x)
        y = self.pool(x)
        z = self.pool(y)
        return self.join(torch.cat([x, y, z, self.pool(z)], 1))


class Head(nn.Module):
    def __init__(self, c: int, classes: int) -> None:
        super().__init__()
        self.box = nn.Sequential(ConvBlock(c, 64, 3), ConvBlock(64, 64, 3), nn.Conv2d(64, 4, 1))
        self.kind = nn.Sequential(ConvBlock(c, c, 3), nn.Conv2d(c, classes, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.box(x), self.kind(x)], 1)


class Detector(nn.Module):
    def __init__(self, w: int = 32, classes: int = 80) -> None:
        super().__init__()
        self.stem = ConvBlock(3, w, 3, 2)
        self.stages = nn.ModuleList(
            nn.Sequential(ConvBlock(c, c * 2, 3, 2), Partial(c * 2, c * 2, n))
            for c, n in ((w, 1), (w * 2, 2), (w * 4, 2), (w * 8, 1))
        )
        self.pyramid = Pyramid(w * 16)
        self.up = nn.Upsample(scale_factor=2)
        self.top4 = Partial(w * 24, w * 8, 1)
        self.top3 = Partial(w * 12, w * 4, 1)
        self.down3 = ConvBlock(w * 4, w * 4, 3, 2)
        self.low4 = Partial(w * 12, w * 8, 1)
        self.down4 = ConvBlock(w * 8, w * 8, 3, 2)
        self.low5 = Partial(w * 24, w * 16, 1)
        self.heads = nn.ModuleList(Head(c, classes) for c in (w * 4, w * 8, w * 16))

    def forward(self, image: Tensor) -> list[Tensor]:
        x, maps = self.stem(image), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        _, p3, p4, p5 = maps
        p5 = self.pyramid(p5)
        p4 = self.top4(torch.cat([self.up(p5), p4], 1))
        p3 = self.top3(torch.cat([self.up(p4), p3], 1))
        p4 = self.low4(torch.cat([self.down3(p3), p4], 1))
        p5 = self.low5(torch.cat([self.down4(p4), p5], 1))
        return [head(p) for head, p in zip(self.heads, (p3, p4, p5), strict=True)]
