"""Stop words: function words that say nothing about a line by themselves. Normalised as in `catalog.text`."""

from __future__ import annotations

_ENGLISH = """
a about after all also am an and any are as at be because been before being but by can could
did do does doing for from had has have having he hed hell her here heres hers him
his how i id if ill im in into is it itd itll its ive just me my no nor not of off on or our ours out over own she
shed shell shes should so some such than that thats the their theirs them then there theres these they theyd theyll
theyre theyve this those to too under up us very was we wed well were weve what whats when where which
while who whom whos why will with would you youd youll your youre yours youve
"""
_GERMAN = """
aber als am an auch auf aus bei bin bis bist da damit das dass dein dem den der des die dies diese dir doch du ein eine
einem einen einer er es euch fur haben hat hatte hier ich ihm ihn ihr im in ist ja mein mich mir mit nach nicht noch nur
ob oder sein sich sie sind so uber um und uns unter vom von vor war was weil wenn wer wie wir wird wo zu zum zur
"""
_FRENCH = """
au aux avec c ca ce ces cest d dans de des du elle elles en est et eux il ils j je jai l la le les leur lui ma mais me
mes moi mon n ne nos notre nous on ont ou par pas pour qu que qui quil s sa se ses si son sont sur ta te tes toi ton tu
un une vos votre vous y
"""
_SPANISH = """
al como con de del donde el ella ellas ellos en era es esa ese esta este esto fue ha hay la las le les lo los mas me mi
mis muy ni no nos o para pero por que se si sin sobre son su sus te tu tus un una uno y ya yo
"""

STOP_WORDS = frozenset(" ".join((_ENGLISH, _GERMAN, _FRENCH, _SPANISH)).split())
"""Articles, pronouns, prepositions, conjunctions and auxiliary verbs of four languages."""
