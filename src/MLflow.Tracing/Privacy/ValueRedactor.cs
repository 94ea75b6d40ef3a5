using System.Text;
using System.Text.Json;

namespace MLflow;

/// <summary>Applies rules to the values of one span or of one trace's facts. For one thread.</summary>
internal sealed class ValueRedactor
{
    /// <summary>JSON in text in JSON, and so on, is looked into as deep as that.</summary>
    private const int MaxNesting = 4;

    /// <summary>A shorter text is not looked for elsewhere: it may stand there by chance.</summary>
    private const int LeastRemoved = 6;

    /// <summary>Texts that are remembered to have been taken out.</summary>
    private const int MaxRemoved = 256;

    private readonly RedactionRules _rules;
    private readonly Action<Exception?> _failed;
    private readonly List<JsonStep> _steps = [];
    private HashSet<string>? _removed;

    /// <param name="rules">The rules.</param>
    /// <param name="failed">Is told of each value that had to be withheld, and why.</param>
    public ValueRedactor(RedactionRules rules, Action<Exception?> failed)
    {
        _rules = rules;
        _failed = failed;
    }

    /// <summary>
    /// Whether texts were taken out for where they stood (by key or path): they may also stand elsewhere, as a parameter that is an attribute of its own or in the text
    /// of an error, and are taken out there when the values are redacted again.
    /// </summary>
    public bool HasRemoved => _removed is { Count: > 0 };

    /// <summary>Whether the program's function is asked too, which is the last thing that is done to a value and done once.</summary>
    public bool AsksProgram { get; set; } = true;

    /// <returns>True where the value was changed.</returns>
    public bool Redact(string name, ref AttributeValue value) => Redact(name, ref value, AsksProgram);

    private bool Redact(string name, ref AttributeValue value, bool asksProgram)
    {
        if (value.Kind == AttributeValueKind.Null || value is { Kind: AttributeValueKind.String, String: RedactionMarks.Failed or RedactionMarks.Withheld or RedactionMarks.Chunk })
        {
            return false;
        }

        try
        {
            if (_rules.HasRules && value.Size > _rules.MaxBytes)
            {
                return Withhold(ref value, null);
            }

            var changed = ApplyRules(name, ref value);
            if (asksProgram && _rules.Redactor is { } redactor)
            {
                changed |= Call(redactor, name, ref value);
            }

            return changed;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return Withhold(ref value, e);
        }
    }

    /// <param name="name">What the text is.</param>
    /// <param name="text">The text.</param>
    /// <param name="otherNames">Rules for these hold for it, too.</param>
    /// <returns>The text as it may be recorded.</returns>
    public string Redact(string name, string text, params ReadOnlySpan<string> otherNames)
    {
        var value = AttributeValue.FromString(text);
        foreach (var other in otherNames)
        {
            Redact(other, ref value, asksProgram: false);
        }

        Redact(name, ref value);
        return value.Kind == AttributeValueKind.String ? value.String : AttributeJson.Of(value);
    }

    private bool Withhold(ref AttributeValue value, Exception? reason)
    {
        value = AttributeValue.FromString(RedactionMarks.Failed);
        _failed(reason);
        return true;
    }

    private bool Call(Func<RedactedValue, string?> redactor, string name, ref AttributeValue value)
    {
        if (value.Kind is not (AttributeValueKind.String or AttributeValueKind.Json))
        {
            return false;
        }

        var isJson = value.Kind == AttributeValueKind.Json;
        var text = isJson ? Encoding.UTF8.GetString(value.Json) : value.String;
        var result = redactor(new RedactedValue(name, text, isJson));
        if (result == text)
        {
            return false;
        }

        if (result is null)
        {
            value = AttributeValue.FromString(RedactionMarks.Withheld);
            return true;
        }

        if (result.Length > _rules.MaxBytes)
        {
            return Withhold(ref value, null);
        }

        var utf8 = Encoding.UTF8.GetBytes(result);
        value = isJson && JsonText.IsJson(utf8) ? AttributeValue.FromJson(utf8) : AttributeValue.FromString(result);
        ApplyRules(name, ref value);
        return true;
    }

    private bool ApplyRules(string name, ref AttributeValue value)
    {
        _steps.Clear();
        _steps.Add(new JsonStep(name, 0));
        if (IsRuledOut(name))
        {
            if (value is { Kind: AttributeValueKind.String, String: RedactionMarks.Redacted })
            {
                return false;
            }

            Remember(value.Kind == AttributeValueKind.String ? value.String : null);
            value = AttributeValue.FromString(RedactionMarks.Redacted);
            return true;
        }

        switch (value.Kind)
        {
            case AttributeValueKind.String:
                var kind = _rules.ScrubsSecrets ? SecretNames.Of(Encoding.UTF8.GetBytes(name)) : SecretKind.None;
                if (RedactText(value.String, kind, 0) is { } text)
                {
                    value = AttributeValue.FromString(text);
                    return true;
                }

                return false;
            case AttributeValueKind.Json:
                if (RedactJson(value.Json, 0) is { } json)
                {
                    value = AttributeValue.FromJson(json);
                    return true;
                }

                return false;
            case AttributeValueKind.Int64 or AttributeValueKind.Double:
                if (RedactNumber(AttributeJson.Of(value)) is { } number)
                {
                    value = AttributeValue.FromString(number);
                    return true;
                }

                return false;
            default:
                return false;
        }
    }

    /// <summary>Whether a rule takes out whatever stands at the current place.</summary>
    private bool IsRuledOut(string? name)
    {
        if (name is not null && _rules.Keys.Count > 0 && _rules.Keys.Contains(name))
        {
            return true;
        }

        if (_rules.Paths.Length == 0)
        {
            return false;
        }

        var place = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_steps);

        // A parameter of a request is an attribute of the same name too.
        var isParameter = !place[0].Name!.Contains('.', StringComparison.Ordinal);
        foreach (var path in _rules.Paths)
        {
            if (path.Matches(place[1..]) || (isParameter && path.Matches(place)))
            {
                return true;
            }
        }

        return false;
    }

    /// <returns>Null where nothing changes.</returns>
    private byte[]? RedactJson(ReadOnlySpan<byte> json, int nesting)
    {
        var reader = new Utf8JsonReader(json, AttributeJson.ReaderOptions);
        var edits = new JsonEdits(json);
        var depth = _steps.Count;
        try
        {
            reader.Read();
            Visit(ref reader, ref edits, SecretKind.None, nesting);
            while (reader.Read())
            {
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException && nesting == 0)
        {
            // No JSON after all, or deeper than we read: text.
            _steps.RemoveRange(depth, _steps.Count - depth);
            var text = Encoding.UTF8.GetString(json);
            return HasKeyOf(text) ? AttributeJson.Quote(RedactionMarks.Redacted)
                : RedactPlain(text, SecretKind.None) is { } changed ? Encoding.UTF8.GetBytes(changed)
                : null;
        }

        return edits.Result();
    }

    private void Visit(ref Utf8JsonReader reader, ref JsonEdits edits, SecretKind kind, int nesting)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    VisitMember(ref reader, ref edits, nesting);
                }

                break;
            case JsonTokenType.StartArray:
                for (var index = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; index++)
                {
                    _steps.Add(new JsonStep(null, index));
                    if (_rules.Paths.Length > 0 && IsRuledOut(null))
                    {
                        TakeOut(ref reader, ref edits);
                    }
                    else
                    {
                        Visit(ref reader, ref edits, SecretKind.None, nesting);
                    }

                    _steps.RemoveAt(_steps.Count - 1);
                }

                break;
            case JsonTokenType.String:
                VisitString(ref reader, ref edits, kind, nesting);
                break;
            case JsonTokenType.Number when _rules.Patterns.Length > 0 || KnownSecrets.HasAny:
                if (RedactNumber(Encoding.UTF8.GetString(reader.ValueSpan)) is { } number)
                {
                    edits.Replace(reader, AttributeJson.Quote(number));
                }

                break;
            default:
                break;
        }
    }

    private void VisitMember(ref Utf8JsonReader reader, ref JsonEdits edits, int nesting)
    {
        string? name = null;
        if (_rules.HasRules || reader.ValueIsEscaped || _rules.Suspects(reader.ValueSpan))
        {
            name = Text(reader);
            if (RedactPlain(name, SecretKind.None, isName: true) is { } changed)
            {
                edits.Replace(reader, AttributeJson.Quote(changed));
            }
        }

        var kind = !_rules.ScrubsSecrets ? SecretKind.None : reader.ValueIsEscaped ? SecretNames.Of(Encoding.UTF8.GetBytes(name!)) : SecretNames.Of(reader.ValueSpan);
        reader.Read();
        _steps.Add(new JsonStep(name ?? "", 0));
        if (_rules.HasRules && IsRuledOut(name))
        {
            TakeOut(ref reader, ref edits);
        }
        else
        {
            Visit(ref reader, ref edits, kind, nesting);
        }

        _steps.RemoveAt(_steps.Count - 1);
    }

    /// <summary>Replaces a whole value and remembers its texts.</summary>
    private void TakeOut(ref Utf8JsonReader reader, ref JsonEdits edits)
    {
        if (reader.TokenType == JsonTokenType.Null || (reader.TokenType == JsonTokenType.String && reader.ValueTextEquals(RedactionMarks.Redacted)))
        {
            return;
        }

        var start = (int)reader.TokenStartIndex;
        var depth = reader.CurrentDepth;
        if (reader.TokenType == JsonTokenType.String)
        {
            Remember(Text(reader));
        }
        else if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
        {
            while (reader.Read() && reader.CurrentDepth > depth)
            {
                if (reader.TokenType == JsonTokenType.String)
                {
                    Remember(Text(reader));
                }
            }
        }

        edits.Replace(start, (int)reader.BytesConsumed, AttributeJson.Quote(RedactionMarks.Redacted));
    }

    private void VisitString(ref Utf8JsonReader reader, ref JsonEdits edits, SecretKind kind, int nesting)
    {
        var written = reader.ValueSpan;
        if (!_rules.HasRules && kind == SecretKind.None && !_rules.Suspects(written))
        {
            return;
        }

        if (RedactText(Text(reader), kind, nesting) is { } text)
        {
            edits.Replace(reader, AttributeJson.Quote(text));
        }
    }

    internal static string Text(in Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair: what is written says it too.
            return Encoding.UTF8.GetString(reader.ValueSpan);
        }
    }

    /// <returns>Null where nothing changes.</returns>
    private string? RedactText(string text, SecretKind kind, int nesting)
    {
        var start = text.AsSpan().TrimStart();
        if (start is ['{' or '[', ..] && nesting < MaxNesting)
        {
            var utf8 = Encoding.UTF8.GetBytes(text);
            if (JsonText.IsJson(utf8))
            {
                return RedactJson(utf8, nesting + 1) is { } json ? Encoding.UTF8.GetString(json) : null;
            }

            if (HasKeyOf(text))
            {
                // JSON that was cut: which value belongs to the key cannot be told.
                Remember(text);
                return RedactionMarks.Redacted;
            }
        }

        return RedactPlain(text, kind);
    }

    private string? RedactPlain(string text, SecretKind kind, bool isName = false)
    {
        var result = text;
        foreach (var pattern in _rules.Patterns)
        {
            result = pattern.Replace(result, RedactionMarks.Redacted);
        }

        if (_removed is not null)
        {
            foreach (var removed in _removed)
            {
                result = result.Replace(removed, RedactionMarks.Redacted, StringComparison.Ordinal);
            }
        }

        result = _rules.ScrubsSecrets && kind != SecretKind.None && result != RedactionMarks.Redacted && SecretScrubber.IsSecret(kind, Encoding.UTF8.GetBytes(result))
            ? RedactionMarks.Redacted
            : _rules.Scrub(result, isName) ?? result;

        if (result.Length > _rules.MaxBytes)
        {
            throw new NotSupportedException("The redacted text is too long.");
        }

        return ReferenceEquals(result, text) || result == text ? null : result;
    }

    private string? RedactNumber(string number)
    {
        var result = number;
        foreach (var pattern in _rules.Patterns)
        {
            result = pattern.Replace(result, RedactionMarks.Redacted);
        }

        result = SecretScrubber.Scrub(result, onlyKnown: true) ?? result;
        return result == number ? null : result;
    }

    private bool HasKeyOf(string text)
    {
        foreach (var key in _rules.Keys)
        {
            for (var at = text.IndexOf(key, StringComparison.OrdinalIgnoreCase); at >= 0; at = text.IndexOf(key, at + 1, StringComparison.OrdinalIgnoreCase))
            {
                // In JSON within JSON, and so on, the quotes have backslashes before them.
                var end = at + key.Length;
                while (end < text.Length && text[end] == '\\')
                {
                    end++;
                }

                if (at > 0 && text[at - 1] == '"' && end < text.Length && text[end] == '"')
                {
                    return true;
                }
            }
        }

        return false;
    }

    private void Remember(string? text)
    {
        if (text is { Length: >= LeastRemoved } && text != RedactionMarks.Redacted && (_removed ??= []).Count < MaxRemoved)
        {
            _removed.Add(text);
        }
    }
}
