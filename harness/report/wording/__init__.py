"""Sentences, the glossary, and foreign text made safe."""
