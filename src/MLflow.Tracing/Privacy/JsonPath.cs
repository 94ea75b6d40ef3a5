namespace MLflow;

/// <summary>A path into JSON: a subset of JSONPath (RFC 9535) with names, indexes, wildcards and descent, without filters and slices.</summary>
internal sealed class JsonPath
{
    private readonly List<Segment> _segments;

    private JsonPath(List<Segment> segments) => _segments = segments;

    /// <exception cref="ArgumentException">It is no such path.</exception>
    public static JsonPath Parse(string path)
    {
        if (path is not ['$', '.' or '[', ..])
        {
            throw Wrong(path);
        }

        var segments = new List<Segment>();
        var at = 1;
        while (at < path.Length)
        {
            var descends = false;
            if (path[at] == '.')
            {
                at++;
                if (at < path.Length && path[at] == '.')
                {
                    descends = true;
                    at++;
                }
                else if (at < path.Length && path[at] == '[')
                {
                    throw Wrong(path);
                }
            }
            else if (path[at] != '[')
            {
                throw Wrong(path);
            }

            segments.Add(at < path.Length && path[at] == '[' ? Bracket(path, ref at, descends) : Name(path, ref at, descends));
        }

        return new JsonPath(segments);
    }

    /// <summary>Whether the path leads to a place.</summary>
    /// <remarks>Asked at every place of a value, nearly all of which the last segment rules out; only for the rest is every split tried that descents allow.</remarks>
    public bool Matches(ReadOnlySpan<JsonStep> place) => !place.IsEmpty && _segments[^1].Allows(place[^1]) && Matches(0, place);

    private bool Matches(int segment, ReadOnlySpan<JsonStep> place)
    {
        if (segment == _segments.Count)
        {
            return place.IsEmpty;
        }

        if (place.IsEmpty)
        {
            return false;
        }

        return (_segments[segment].Allows(place[0]) && Matches(segment + 1, place[1..]))
            || (_segments[segment].Descends && Matches(segment, place[1..]));
    }

    private static Segment Name(string path, ref int at, bool descends)
    {
        var end = path.AsSpan(at).IndexOfAny('.', '[') is >= 0 and var next ? at + next : path.Length;
        var name = path[at..end];
        if (name.Length == 0 || name.AsSpan().ContainsAny(']', ' ', '?'))
        {
            throw Wrong(path);
        }

        at = end;
        return name == "*" ? new Segment(null, -1, descends) : new Segment(name, -1, descends);
    }

    private static Segment Bracket(string path, ref int at, bool descends)
    {
        at++;
        if (at < path.Length && path[at] is '\'' or '"')
        {
            var close = path.IndexOf(path[at], at + 1);
            if (close < 0 || close + 1 >= path.Length || path[close + 1] != ']')
            {
                throw Wrong(path);
            }

            var name = path[(at + 1)..close];
            at = close + 2;
            return new Segment(name, -1, descends);
        }

        var end = path.IndexOf(']', at);
        var text = end < 0 ? throw Wrong(path) : path[at..end];
        at = end + 1;
        if (text == "*")
        {
            return new Segment(null, -1, descends);
        }

        return int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var index)
            ? new Segment(null, index, descends)
            : throw Wrong(path);
    }

    private static ArgumentException Wrong(string path) => new(
        $"'{path}' in {nameof(PrivacyOptions.RedactedPaths)} is not a path that is supported: write $.name, $['name'], $[0], $.list[*].name or $..name; there are no filters and no slices.");

    /// <summary>A name, an index or, with neither, anything.</summary>
    private readonly record struct Segment(string? Name, int Index, bool Descends)
    {
        public bool Allows(JsonStep step) => Name is not null ? step.Name == Name : Index < 0 || (step.Name is null && step.Index == Index);
    }
}
