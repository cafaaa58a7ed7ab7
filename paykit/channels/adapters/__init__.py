"""The adapters that come with paystream, one module each; `paykit.channels.registry` names them."""
