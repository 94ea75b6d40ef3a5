using System.Text.Json;
using MLflow.Server.Ui.Chat;
using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.Reading;
using MLflow.Server.Ui.Spans;

namespace MLflow.Server.Ui.Searching;

/// <summary>
/// Finds text everywhere in a trace: names, what was said, inputs and outputs, attributes, events, errors. Upper and lower case are the same. What a
/// conversation repeats from call to call is found once, where it was said first.
/// </summary>
public sealed class TraceSearch
{
    /// <summary>More hits than a reader steps through.</summary>
    public const int MostHits = 2000;

    private readonly string _text;
    private readonly SpanTree _tree;
    private readonly List<SearchHit> _hits = [];

    private TraceSearch(SpanTree tree, string text)
    {
        _tree = tree;
        _text = text;
    }

    /// <summary>In the order of the steps, for each step in the order of its tabs.</summary>
    public IReadOnlyList<SearchHit> Hits => _hits;

    /// <summary>Whether there were more than <see cref="MostHits"/>.</summary>
    public bool IsCut { get; private set; }

    /// <summary>The steps with hits.</summary>
    public IReadOnlySet<SpanNode> Nodes { get; private set; } = new HashSet<SpanNode>();

    public static TraceSearch Of(SpanTree tree, string? text)
    {
        var search = new TraceSearch(tree, text?.Trim() ?? "");
        if (search._text.Length > 0)
        {
            search.Run();
        }

        return search;
    }

    private void Run()
    {
        foreach (var node in _tree.Rows)
        {
            if (_hits.Count >= MostHits)
            {
                IsCut = true;
                break;
            }

            Look(node);
        }

        Nodes = _hits.Select(hit => hit.Node).ToHashSet();
    }

    private void Look(SpanNode node)
    {
        var record = node.Span.Record;
        if (Has(record.Name) || Has(node.Span.Title))
        {
            _hits.Add(new SearchHit(node, null));
        }

        LookAtContent(node);
        if (record.Attributes.Any(attribute => attribute.Key is not (AttributeNames.Inputs or AttributeNames.Outputs) && (Has(attribute.Key) || HasJson(attribute.Value))))
        {
            _hits.Add(new SearchHit(node, PaneTab.Attributes));
        }

        // Chunks are pieces of the answer, in which they are found whole.
        if (record.Events.Any(e => !e.Name.StartsWith(AttributeNames.ChunkEventPrefix, StringComparison.Ordinal) && (Has(e.Name) || e.Attributes.Any(a => Has(a.Key) || HasJson(a.Value)))))
        {
            _hits.Add(new SearchHit(node, PaneTab.Events));
        }
    }

    private void LookAtContent(SpanNode node)
    {
        var inputs = HasJson(node.Span.Record[AttributeNames.Inputs]);
        var outputs = HasJson(node.Span.Record[AttributeNames.Outputs]);
        if (!inputs && !outputs)
        {
            return;
        }

        if (ChatTranscript.Of(node, _tree) is not { } transcript)
        {
            _hits.Add(new SearchHit(node, PaneTab.Chat));
            return;
        }

        var found = transcript.Messages.Select((message, i) => (message, i)).Where(pair => HasElement(pair.message.Source)).ToList();
        var origins = MessageOrigins.Of(node, _tree);
        if (found.Any(pair => pair.i >= transcript.SharedCount && (pair.message.IsOutput || origins.Of(pair.message) is null)))
        {
            _hits.Add(new SearchHit(node, PaneTab.Chat));
        }
        else if (found.Count == 0)
        {
            // A parameter or a tool's definition; what is shared with an earlier call was found there.
            _hits.Add(new SearchHit(node, PaneTab.InputsOutputs));
        }
    }

    private bool Has(string? text) => text?.Contains(_text, StringComparison.OrdinalIgnoreCase) == true;

    // Some writers escape what is not ASCII, and quotes are always escaped.
    private bool HasJson(string? json) => Has(json) || (json?.Contains('\\', StringComparison.Ordinal) == true && HasElement(TolerantJson.Parse(json)));

    private bool HasElement(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => element.GetString() is { } text && (Has(text) || (text.Length > 1 && text[0] is '{' or '[' && text.Contains('\\', StringComparison.Ordinal) && HasElement(TolerantJson.Parse(text)))),
        JsonValueKind.Object => element.EnumerateObject().Any(member => Has(member.Name) || HasElement(member.Value)),
        JsonValueKind.Array => element.EnumerateArray().Any(HasElement),
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => Has(element.GetRawText()),
        _ => false,
    };
}
