"""report.html placeholder"""
from infra.report.content import Report
def render(report: Report) -> str:
    return ""
