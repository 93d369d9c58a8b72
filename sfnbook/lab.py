"""What `sfnbook lab` changes about JupyterLab's server: small messages are not held back.

A click and its answer are a handful of small messages.  Without TCP_NODELAY the system gathers
them while the browser delays its acknowledgements, and a step takes some 45 ms longer.
Any server can have it:
``--ServerApp.kernel_websocket_connection_class=sfnbook.lab.PromptConnection``.
"""

from __future__ import annotations

from typing import Any, Final

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """The server's own connection between a browser and a kernel, sending at once."""

    def connect(self) -> Any:
        self.websocket_handler.set_nodelay(True)
        return super().connect()


OPTION: Final = f"--ServerApp.kernel_websocket_connection_class={__name__}.{PromptConnection.__name__}"
"""What makes a server use it."""
