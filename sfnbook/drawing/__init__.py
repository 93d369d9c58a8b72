"""Pictures of state machines, executions and numbers: geometry first, then SVG or matplotlib.

theme.py textwidth.py      colours, icons, fonts, and how wide a text is
statuses.py                changes -> what happened to each state
graph.py                   definition -> networkx
layering.py columns.py routing.py layout.py    definition -> the place of each state, the way of each edge
svg.py plots.py            layout and statuses -> SVG, matplotlib
gantt.py gantt_drawing.py  changes -> rows and bars on the clock -> SVG, matplotlib
charts.py                  numbers -> SVG charts, without matplotlib
"""
