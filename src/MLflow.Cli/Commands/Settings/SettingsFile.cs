using System.Text.Json;

namespace MLflow.Cli.Commands.Settings;

/// <summary>Settings of a server in a JSON file: an object whose names are those of the options without dashes before them.</summary>
internal sealed class SettingsFile
{
    /// <summary>Read where it lies in the folder that the server is started in, and no other is named.</summary>
    public const string DefaultName = "mlflow-server.json";

    private const int MaxBytes = 1024 * 1024;

    private readonly Dictionary<string, IReadOnlyList<string>> _values = new(StringComparer.Ordinal);

    private SettingsFile(string path) => Path = path;

    /// <summary>The file; empty where there is none.</summary>
    public string Path { get; }

    /// <param name="given">The file that was named; null for <see cref="DefaultName"/>, where it exists.</param>
    /// <param name="known">The names that a file may have.</param>
    /// <param name="mistakes">Gets a sentence for each mistake.</param>
    public static SettingsFile Read(string? given, IReadOnlyCollection<string> known, List<string> mistakes)
    {
        if (given is null && !File.Exists(DefaultName))
        {
            return new SettingsFile("");
        }

        var file = new SettingsFile(given ?? DefaultName);
        try
        {
            if (new FileInfo(file.Path).Length > MaxBytes)
            {
                mistakes.Add($"{file.Path} has more than {MaxBytes} bytes: it is no file of settings.");
                return file;
            }

            var options = new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, AllowDuplicateProperties = false };
            using var document = JsonDocument.Parse(File.ReadAllText(file.Path), options);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                mistakes.Add($"{file.Path} is no JSON object: write {{ \"port\": 5000 }}.");
                return file;
            }

            foreach (var property in document.RootElement.EnumerateObject())
            {
                file.Add(property, known, mistakes);
            }
        }
        catch (JsonException e)
        {
            mistakes.Add($"{file.Path} is no JSON: {e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            mistakes.Add($"--config {file.Path} cannot be read: {e.Message}");
        }

        return file;
    }

    /// <summary>The words of a setting; null where the file has none.</summary>
    public IReadOnlyList<string>? Find(string name) => _values.GetValueOrDefault(name);

    private void Add(JsonProperty property, IReadOnlyCollection<string> known, List<string> mistakes)
    {
        if (!known.Contains(property.Name))
        {
            var near = Spelling.Nearest(property.Name.Replace('_', '-').ToLowerInvariant(), known);
            mistakes.Add($"{Path} has the unknown setting '{property.Name}'{(near is null ? "; docs/operations/server.md lists them" : $": did you mean '{near}'?")}");
        }
        else if (Words(property.Value) is { } words)
        {
            _values[property.Name] = words;
        }
        else
        {
            mistakes.Add($"{Path}: '{property.Name}' must be a text, a number, true or false, a list of those, or an object of those for pairs.");
        }
    }

    private static List<string>? Words(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => [value.GetString()!],
        JsonValueKind.Number => [value.GetRawText()],
        JsonValueKind.True => ["true"],
        JsonValueKind.False => ["false"],
        JsonValueKind.Array when value.EnumerateArray().All(item => item.ValueKind is JsonValueKind.String or JsonValueKind.Number) => [.. value.EnumerateArray().Select(item => item.ToString())],
        JsonValueKind.Object when value.EnumerateObject().All(item => item.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number) => [.. value.EnumerateObject().Select(item => $"{item.Name}={item.Value}")],
        _ => null,
    };
}
