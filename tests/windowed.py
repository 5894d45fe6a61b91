"""Networks with attention in windows (torchvision 0.28) and to a smaller map (SegFormer)."""

from __future__ import annotations

SWIN = """
convcalc: 1
name: swin
input: [3, 224, 224]
params: {depths: [2, 2, 6, 2], window: 7, v2: false}
blocks:
  Mlp: {params: {c: in_channels}, layers: [{linear: {out: 4*c}}, gelu, {linear: {out: c}}]}
  Attention:
    params: {shift: int, window: int, v2: bool, c: in_channels}
    layers:
      - {window_attention: {w: window, shift_size: shift, heads: c//32}, if: not v2}
      - window_attention:
          {w: window, shift_size: shift, heads: c//32, cosine: true, relative_position: mlp}
        if: v2
  Block:
    params: {shift: int, window: int, v2: bool}
    layers:
      - residual:
          - {layer_norm: {}, if: not v2}
          - Attention: {shift: shift, window: window, v2: v2}
          - {layer_norm: {}, if: v2}
      - residual: [{layer_norm: {}, if: not v2}, Mlp, {layer_norm: {}, if: v2}]
  Stage:
    params: {n: int, merge: bool, window: int, v2: bool}
    layers:
      - {pixel_unshuffle: {factor: 2}, if: merge}
      - {layer_norm: {}, if: merge and not v2}
      - {linear: {out: in_channels//2, bias: false}, if: merge}
      - {layer_norm: {}, if: merge and v2}
      - {Block: {shift: (i % 2)*(window//2), window: window, v2: v2}, repeat: n}
layers:
  - conv: {out: 96, k: 4, s: 4}
  - layer_norm
  - Stage: {n: n, merge: m, window: window, v2: v2}
    for: {n: depths, m: [false, true, true, true]}
    id: stage
  - layer_norm
  - global_avg_pool
  - linear: {out: 1000}
"""

MAXVIT_T = """
convcalc: 1
name: maxvit_t
input: [3, 224, 224]
blocks:
  Cbg:
    params: {out: int, k: 1, s: 1, g: 1}
    layers: [{conv: {out: out, k: k, s: s, p: k//2, g: g, bias: false}}, batch_norm, gelu]
  MBConv:
    params: {c: int, s: 1}
    layers:
      - residual:
          - batch_norm
          - Cbg: {out: 4*c}
          - Cbg: {out: 4*c, k: 3, s: s, g: 4*c}
          - squeeze_excite: {squeeze_channels: c//4, activation: silu}
          - conv: {out: c, k: 1}
        shortcut:
          - {seq: [{avg_pool: {k: 3, s: 2, p: 1}}, {conv: {out: c, k: 1}}], if: s > 1}
  Mlp:
    params: {c: in_channels}
    layers: [layer_norm, {linear: {out: 4*c}}, gelu, {linear: {out: c}}]
  Layer:
    params: {c: int, s: 1}
    layers:
      - MBConv: {c: c, s: s}
      - residual: [layer_norm, {window_attention: {w: 7, heads: c//32}}]
        id: window
      - residual: [Mlp]
      - residual: [layer_norm, {window_attention: {w: 7, heads: c//32, partition: grid}}]
      - residual: [Mlp]
  Stage: {params: {c: int, n: int}, layers: [{Layer: {c: c, s: 2 if i == 0 else 1}, repeat: n}]}
layers:
  - Cbg: {out: 64, k: 3, s: 2}
  - conv: {out: 64, k: 3, p: 1}
  - {Stage: {c: c, n: n}, for: {c: [64, 128, 256, 512], n: [2, 2, 5, 2]}, id: stage}
  - global_avg_pool
  - layer_norm
  - linear: {out: 512}
  - tanh
  - linear: {out: 1000, bias: false}
"""

SEGFORMER_B0 = """
convcalc: 1
name: segformer_b0
input: [3, 512, 512]
params: {widths: [32, 64, 160, 256], c: 256, classes: 150}
blocks:
  Attention:
    params: {r: int, c: in_channels}
    layers:
      - {linear: {out: c}, id: q}
      - {conv: {out: c, k: r, s: r}, from: input, if: r > 1}
      - {layer_norm: {}, if: r > 1}
      - {identity: {}, from: input, if: r == 1}
      - {identity: {}, id: smaller}
      - {linear: {out: c}, id: k}
      - {linear: {out: c}, from: smaller, id: v}
      - {dot_product_attention: {heads: c//32}, from: [q, k, v]}
      - linear: {out: c}
  Mlp:
    params: {c: in_channels}
    layers: [{linear: {out: 4*c}}, {depthwise_conv: {k: 3, p: 1}}, gelu, {linear: {out: c}}]
  Block:
    params: {r: int}
    layers: [{residual: [layer_norm, {Attention: {r: r}}]}, {residual: [layer_norm, Mlp]}]
  Stage:
    params: {c: int, r: int, k: int, s: int}
    layers:
      - conv: {out: c, k: k, s: s, p: k//2}
      - layer_norm
      - {Block: {r: r}, repeat: 2}
      - layer_norm
layers:
  - Stage: {c: w, r: r, k: k, s: s}
    for: {w: widths, r: [8, 4, 2, 1], k: [7, 3, 3, 3], s: [4, 2, 2, 2]}
    id: stage
  - {linear: {out: c}, id: m4}
  - {linear: {out: c}, from: "stage[0]", id: m1}
  - {linear: {out: c}, from: "stage[1]"}
  - {upsample: {mode: linear}, from: [prev, m1], id: m2}
  - {linear: {out: c}, from: "stage[2]"}
  - {upsample: {mode: linear}, from: [prev, m1], id: m3}
  - {upsample: {mode: linear}, from: [m4, m1]}
  - concat: [prev, m3, m2, m1]
  - conv: {out: c, k: 1, bias: false}
  - batch_norm
  - relu
  - conv: {out: classes, k: 1}
  - upsample: {scale: 4, mode: linear}
"""
