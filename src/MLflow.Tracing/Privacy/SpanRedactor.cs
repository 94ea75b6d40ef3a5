using System.Buffers;
using System.Text;

namespace MLflow;

/// <summary>Applies rules to an ended span, before it is encoded: afterwards nothing of it is left that they cover.</summary>
internal sealed class SpanRedactor
{
    private readonly RedactionRules _rules;
    private readonly ValueRedactor _values;
    private readonly Action<Exception?> _failed;

    /// <inheritdoc cref="ValueRedactor(RedactionRules, Action{Exception?})"/>
    public SpanRedactor(RedactionRules rules, Action<Exception?> failed)
    {
        _rules = rules;
        _values = new ValueRedactor(rules, failed);
        _failed = failed;
    }

    /// <returns>True where the span was changed.</returns>
    public bool Redact(LiveSpan span)
    {
        if (!_rules.RemovesByPlace)
        {
            return RedactOnce(span);
        }

        // What was taken out for its place is looked for in all values before the program's function sees the first of them.
        _values.AsksProgram = false;
        var changed = RedactOnce(span);
        _values.AsksProgram = true;
        if (_values.HasRemoved || _rules.Redactor is not null)
        {
            changed |= RedactOnce(span);
        }

        return changed;
    }

    private bool RedactOnce(LiveSpan span)
    {
        var changed = RedactTexts(span);
        var isStreamChanged = HasSecretInElements(span);
        var attributes = span.RewritableAttributes;
        for (var i = 0; i < attributes.Count; i++)
        {
            var (key, value) = attributes[i];
            var name = Name(key);
            if (RedactValue(key, ref value) | (key == AttributeNames.Outputs && HasJoinedSecret(ref value)) | name != key)
            {
                attributes[i] = new(name, value);
                changed = true;
                isStreamChanged |= key == AttributeNames.Outputs;
            }
        }

        if (span.RewritableEvents is { } events)
        {
            for (var i = 0; i < events.Count; i++)
            {
                changed |= RedactEvent(events, i, isStreamChanged);
            }
        }

        return changed | RedactLinks(span.RewritableLinks) | RedactChunks(span, isStreamChanged);
    }

    private bool RedactLinks(List<SpanLink>? links)
    {
        var changed = false;
        for (var i = 0; links is not null && i < links.Count; i++)
        {
            if (RedactLink(links[i].Attributes) is { } attributes)
            {
                links[i] = links[i] with { Attributes = attributes };
                changed = true;
            }
        }

        return changed;
    }

    /// <returns>Null where nothing changes.</returns>
    private KeyValuePair<string, AttributeValue>[]? RedactLink(KeyValuePair<string, AttributeValue>[] attributes)
    {
        KeyValuePair<string, AttributeValue>[]? changed = null;
        for (var i = 0; i < attributes.Length; i++)
        {
            var (key, value) = attributes[i];
            var name = Name(key);
            if (_values.Redact(key, ref value) | name != key)
            {
                (changed ??= [.. attributes])[i] = new(name, value);
            }
        }

        return changed;
    }

    private bool RedactValue(string key, ref AttributeValue value)
    {
        if (!_values.Redact(key, ref value))
        {
            return false;
        }

        if (key == AttributeNames.Outputs && value.Kind == AttributeValueKind.Json)
        {
            new ValueRedactor(RedactionRules.LogProbabilities, _failed).Redact(key, ref value);
        }

        return true;
    }

    private bool RedactTexts(LiveSpan span)
    {
        var name = _values.Redact("span.name", span.Name);
        var type = _values.Redact("span.type", span.SpanType);
        var status = span.StatusMessage is { } message ? _values.Redact("status.message", message) : null;
        if (name == span.Name && type == span.SpanType && status == span.StatusMessage)
        {
            return false;
        }

        span.Rewrite(name, type, status);
        return true;
    }

    /// <summary>A name may have a secret in it too; the rules for values do not concern it.</summary>
    private string Name(string key) => _rules.Scrub(key, isName: true) ?? key;

    private bool RedactEvent(List<SpanEvent> events, int index, bool isStreamChanged)
    {
        var (name, time, attributes) = events[index];
        var newName = Name(name);
        KeyValuePair<string, AttributeValue>[]? changed = null;
        for (var i = 0; i < attributes.Length; i++)
        {
            var (key, value) = attributes[i];
            var newKey = Name(key);
            var isChanged = _values.Redact(key, ref value);
            if (isStreamChanged && key == AttributeNames.ChunkValue && !IsChunkMark(value))
            {
                (value, isChanged) = (AttributeValue.FromString(RedactionMarks.Chunk), true);
            }

            if (isChanged || newKey != key)
            {
                (changed ??= [.. attributes])[i] = new(newKey, value);
            }
        }

        if (changed is null && newName == name)
        {
            return false;
        }

        events[index] = new SpanEvent(newName, time, changed ?? attributes);
        return true;
    }

    /// <summary>
    /// A secret may be spread over several chunks, of which none has anything to be found. So where something was taken out of the output, or of one chunk, the data
    /// of all chunks are withheld.
    /// </summary>
    private bool RedactChunks(LiveSpan span, bool isStreamChanged)
    {
        if (span.Chunks is not { Count: > 0, IsWithheld: false } chunks)
        {
            return false;
        }

        if (!isStreamChanged && !HasSecretChunk(chunks))
        {
            return false;
        }

        chunks.Withhold(RedactionMarks.Chunk);
        return true;
    }

    private bool HasSecretChunk(ChunkLog chunks)
    {
        for (var i = 0; i < chunks.Count; i++)
        {
            var entry = chunks[i];
            var data = chunks.DataOf(entry);
            if (!_rules.HasRules && !_rules.Suspects(data) && !(entry.EventType is { Length: > 0 } type && _rules.Scrub(type) is not null))
            {
                continue;
            }

            var value = chunks.ValueOf(entry);
            if (_values.Redact(AttributeNames.ChunkValue, ref value) || (entry.EventType is { } eventType && _values.Redact(AttributeNames.ChunkEventType, eventType) != eventType))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// An output that is a list is what a stream gave, piece by piece: the events of an API that is not known, or what an iterator returned. A text may be cut in
    /// pieces there, and is looked at as a whole; what it came from cannot be told, so all is withheld.
    /// </summary>
    private bool HasJoinedSecret(ref AttributeValue value)
    {
        if (!IsInPieces(value))
        {
            return false;
        }

        if (!IsAnyRedacted(value.Kind == AttributeValueKind.Json ? JoinedTexts.Of(value.Json) : JoinedTexts.OfEvents(value.String)))
        {
            return false;
        }

        value = AttributeValue.FromString(RedactionMarks.Redacted);
        return true;
    }

    /// <summary>What an iterator gave is events too, and there need not be an output: it may have failed, or be something else.</summary>
    private bool HasSecretInElements(LiveSpan span)
    {
        if (!HasElements(span))
        {
            return false;
        }

        var list = new ArrayBufferWriter<byte>();
        foreach (var (key, value) in span.RewritableEvents!.SelectMany(item => item.Attributes))
        {
            if (key == AttributeNames.ChunkValue)
            {
                list.Write(list.WrittenCount == 0 ? "["u8 : ","u8);
                list.Write(value.Kind == AttributeValueKind.Json ? value.Json : Encoding.UTF8.GetBytes(AttributeJson.Of(value)));
            }
        }

        list.Write("]"u8);
        return IsAnyRedacted(JoinedTexts.Of(list.WrittenSpan));
    }

    private bool IsAnyRedacted(IEnumerable<string> texts)
    {
        foreach (var text in texts)
        {
            var joined = AttributeValue.FromString(text);
            if (_values.Redact(AttributeNames.Outputs, ref joined))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether the span has the elements of an iterator as events.</summary>
    public static bool HasElements(LiveSpan span) =>
        span.RewritableEvents is { } events && events.Exists(item => item.Name.StartsWith(AttributeNames.ChunkEventPrefix, StringComparison.Ordinal));

    /// <summary>Whether an output may have the pieces of a text apart from each other: a list, or a stream of events that could not be read.</summary>
    public static bool IsInPieces(AttributeValue value) =>
        value is { Kind: AttributeValueKind.Json, Json: [(byte)'[', ..] }
        || (value.Kind == AttributeValueKind.String && (value.String.StartsWith("data:", StringComparison.Ordinal) || value.String.StartsWith("event:", StringComparison.Ordinal)));

    private static bool IsChunkMark(AttributeValue value) => value is { Kind: AttributeValueKind.String, String: RedactionMarks.Chunk };
}
