"""Ratios against bare parts and peers, each taken within one run: absolute speeds say more of a machine than of the code."""
