"""Veo through the Gemini API and through Vertex AI."""
