using System.Globalization;
using System.Text.Json;

namespace MLflow.Server.Mcp;

/// <summary>The arguments of one call, checked against the tool's parameters. Models err: each message says what is right.</summary>
internal sealed class ToolArguments
{
    private readonly Dictionary<string, JsonElement> _values = [];
    private readonly IReadOnlyList<ToolParameter> _parameters;

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: the tool has no such parameter, or one is missing.</exception>
    public ToolArguments(string tool, IReadOnlyList<ToolParameter> parameters, IEnumerable<KeyValuePair<string, JsonElement>> values)
    {
        _parameters = parameters;
        foreach (var (name, value) in values)
        {
            if (parameters.All(parameter => parameter.Name != name))
            {
                throw Invalid($"{tool} has no argument '{ToolText.Cut(name, 100)}': it has {string.Join(", ", parameters.Select(parameter => parameter.Name))}");
            }

            // Clients commonly send null for what they leave out.
            if (value.ValueKind is not (JsonValueKind.Null or JsonValueKind.Undefined))
            {
                _values[name] = value;
            }
        }

        foreach (var parameter in parameters.Where(parameter => parameter.IsRequired && string.IsNullOrWhiteSpace(Text(parameter.Name))))
        {
            throw Invalid($"{tool} needs the argument '{parameter.Name}': {parameter.Description}");
        }
    }

    /// <summary>A text; a number as its digits.</summary>
    public string? Text(string name)
    {
        if (!_values.TryGetValue(name, out var value))
        {
            return null;
        }

        var text = value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.Number => value.GetRawText(),
            _ => throw Wrong(name, "a text", value),
        };
        var choices = Parameter(name).Choices;
        return choices.Count == 0 || choices.Contains(text) ? text : throw Wrong(name, $"one of {string.Join(", ", choices)}", value);
    }

    public string Required(string name) => Text(name)!;

    /// <summary>A whole number within the parameter's bounds; its default where it is not given.</summary>
    public int Number(string name)
    {
        var parameter = Parameter(name);
        if (!_values.TryGetValue(name, out var value))
        {
            return parameter.Default;
        }

        var text = value.ValueKind is JsonValueKind.String ? value.GetString() : value.GetRawText();
        return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= parameter.Minimum && number <= parameter.Maximum
            ? number
            : throw Wrong(name, parameter.Maximum == int.MaxValue ? $"a whole number from {parameter.Minimum} on" : $"a whole number from {parameter.Minimum} to {parameter.Maximum}", value);
    }

    public bool Flag(string name) => _values.TryGetValue(name, out var value) && value switch
    {
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { ValueKind: JsonValueKind.String } when bool.TryParse(value.GetString(), out var flag) => flag,
        _ => throw Wrong(name, "true or false", value),
    };

    public IReadOnlyList<string> Texts(string name)
    {
        if (!_values.TryGetValue(name, out var value))
        {
            return [];
        }

        return value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            JsonValueKind.Array when value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String) => [.. value.EnumerateArray().Select(item => item.GetString()!)],
            _ => throw Wrong(name, "a list of texts", value),
        };
    }

    /// <summary>The id of an experiment; null where it is not given.</summary>
    public long? ExperimentId(string name) => Text(name) is not { } text ? null
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id
        : throw Invalid($"'{name}' must be the id of an experiment, a whole number, got '{ToolText.Cut(text, 100)}'; search_experiments finds it by its name");

    /// <summary>Milliseconds since 1970; null where it is not given.</summary>
    public long? TimeMs(string name) => Text(name) is not { } text ? null
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var ms) ? ms
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time.ToUnixTimeMilliseconds()
        : throw Invalid($"'{name}' must be a time like 2026-11-27T05:00:00Z or milliseconds since 1970, got '{ToolText.Cut(text, 100)}'");

    public static MlflowException Invalid(string message) => new(ErrorCode.INVALID_PARAMETER_VALUE, message);

    private ToolParameter Parameter(string name) => _parameters.Single(parameter => parameter.Name == name);

    private static MlflowException Wrong(string name, string rule, JsonElement value) => Invalid($"'{name}' must be {rule}, got {ToolText.Cut(value.GetRawText(), 100)}");
}
