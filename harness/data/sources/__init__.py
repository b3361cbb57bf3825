"""Where bytes and rows come from: mirror, artifact, url, hub, file, generated, outside packages."""
