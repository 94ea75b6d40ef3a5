using System.Text.RegularExpressions;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>One event of an event stream: the value of its <c>event:</c> line, null where it had none, and its data.</summary>
public sealed partial record StreamEvent(string? Name, string Data)
{
    public static IEnumerable<StreamEvent> Read(string text)
    {
        string? name = null;
        var data = new List<string>();
        foreach (var line in LineEnds().Split(text.TrimStart('\uFEFF')).Append(""))
        {
            if (line.StartsWith("data:", StringComparison.Ordinal))
            {
                data.Add(Value(line["data:".Length..]));
            }
            else if (line.StartsWith("event:", StringComparison.Ordinal))
            {
                name = Value(line["event:".Length..]);
            }
            else if (line.Length == 0)
            {
                if (data.Count > 0)
                {
                    yield return new StreamEvent(name, string.Join('\n', data));
                }

                name = null;
                data.Clear();
            }
        }
    }

    private static string Value(string text) => text is [' ', .. var rest] ? rest : text;

    [GeneratedRegex("\r\n|\n|\r")]
    private static partial Regex LineEnds();
}
