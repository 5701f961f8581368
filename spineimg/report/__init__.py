"""Pictures and pages that a radiologist understands in seconds."""

from spineimg.report.case_page import case_html
from spineimg.report.case_pdf import case_pdf
from spineimg.report.pictures import draw_pictures
from spineimg.report.track_page import track_html
from spineimg.report.track_pdf import track_pdf

__all__ = ["case_html", "case_pdf", "draw_pictures", "track_html", "track_pdf"]
