"""What partners test their own exports with: a fake ERP, and posters for it as worked examples."""
