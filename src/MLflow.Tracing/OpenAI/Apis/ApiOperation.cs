namespace MLflow;

/// <summary>One operation of the OpenAI API and how it is recorded.</summary>
/// <param name="Name">The operation as OpenAI's own clients call it, for example <c>chat.completions.create</c>.</param>
/// <param name="Method">HTTP method, in capitals.</param>
/// <param name="Template">End of the path; a segment in braces takes any value. What stands before it (base address, Azure deployment) does not matter.</param>
/// <param name="SpanName">Name of the span.</param>
/// <param name="SpanType">One of <see cref="MLflow.SpanType"/>.</param>
/// <param name="Recorder">Turns bodies into span fields.</param>
internal sealed record ApiOperation(string Name, string Method, string Template, string SpanName, string SpanType, IRecorder Recorder)
{
    private readonly string[] _segments = Template.Split('/', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Name of the span of an asynchronous call. Real MLflow gives one to the methods that it patches; other operations have one name.</summary>
    public string? AsyncSpanName { get; init; }

    /// <summary>The part of <see cref="UsageBuckets"/> to which output tokens belong that the usage does not tell apart.</summary>
    public string RestOfOutput { get; init; } = UsageBuckets.OutputText;

    /// <summary>True when the path alone shows a call of a model, on whatever host.</summary>
    public bool IsRecognisedAnywhere { get; init; }

    /// <summary>Segments that are not in braces: of two templates that fit, the one with more fits better.</summary>
    public int Literals { get; } = Template.Split('/', StringSplitOptions.RemoveEmptyEntries).Count(segment => segment[0] != '{');

    /// <summary>The last segment that is not in braces; empty where there is none.</summary>
    public string LastWord { get; } = Template.Split('/').LastOrDefault(segment => segment is not ['{', ..]) ?? "";

    /// <summary>True when the path ends as the template says.</summary>
    public bool Matches(ReadOnlySpan<char> path)
    {
        path = path.TrimEnd('/');
        for (var i = _segments.Length - 1; i >= 0; i--)
        {
            var slash = path.LastIndexOf('/');
            if (slash < 0)
            {
                return false;
            }

            var segment = path[(slash + 1)..];
            if (_segments[i][0] == '{' ? segment.IsEmpty : !segment.Equals(_segments[i], StringComparison.OrdinalIgnoreCase))
            {
                return false;
            }

            path = path[..slash];
        }

        return true;
    }

    /// <summary>The values of the segments in braces, by their names.</summary>
    public IEnumerable<KeyValuePair<string, string>> PathValues(string path)
    {
        var segments = path.TrimEnd('/').Split('/');
        for (var i = 0; i < _segments.Length; i++)
        {
            var at = segments.Length - _segments.Length + i;
            if (_segments[i][0] == '{' && at >= 0)
            {
                yield return new(_segments[i][1..^1], Uri.UnescapeDataString(segments[at]));
            }
        }
    }
}
