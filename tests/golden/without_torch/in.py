#!/usr/bin/env python3
# A file that has nothing to do with torch comes out byte for byte: tabs, long lines, trailing spaces, everything.
"""Asynchronous download queue."""   

import asyncio, sys
from   dataclasses import (dataclass, field,)


@dataclass
class Job :
	url : str
	tries:int=0          # how often
	nn: dict = field(default_factory = dict)   


async def worker (queue, *, F = None) -> "list[str]" :
	done=[ ]
	async with asyncio.timeout( 3.5 ) :
		while not queue.empty( ) :
			job=await queue.get();job.tries+=1
			if ( n := len(job.url) ) > 10 : done.append( f'{job.url!r:>{n}} {job.tries:03d}' )
			else :
				pass ;
	return done

x = {'size' : lambda self : self , "view":1}; y = x ["size"] (3)
print ( "torch.nn.Linear(3, 4)" , file = sys.stderr ) if False else None
text = '''a \
b'''   


# no newline at the end