"""The Request screen without a screen: what is asked, what came back, what is kept."""
