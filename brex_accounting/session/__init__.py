"""The async session manager: it knows HTTP, and nothing of any provider."""
