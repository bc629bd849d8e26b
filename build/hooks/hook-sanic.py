"""Sanic rewrites three of its modules at start from their source, and carries the pages of its errors."""

from PyInstaller.utils.hooks import collect_data_files

datas = collect_data_files("sanic")
module_collection_mode = {
    "sanic.app": "pyz+py",
    "sanic.http.http1": "pyz+py",
    "sanic.server.protocols.http_protocol": "pyz+py",
}
