"""Sanic's error pages import tracerite, which reads its style and script when it is imported."""

from PyInstaller.utils.hooks import collect_data_files

datas = collect_data_files("tracerite")
