using System.Text.Json;
using System.Text.Json.Nodes;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>What the scripted endpoint says: the questions of the documentation's examples, in English and Japanese.</summary>
internal static class Script
{
    private static readonly (string English, string Japanese)[] Cities =
        [("Paris", "パリ"), ("Tokyo", "東京"), ("London", "ロンドン"), ("New York", "ニューヨーク")];

    private static readonly Dictionary<string, string> JapaneseWeather = new(StringComparer.OrdinalIgnoreCase)
    {
        ["sunny"] = "晴れ",
        ["rainy"] = "雨",
        ["unknown"] = "不明",
    };

    public static ScriptedAnswer Answer(ScriptedRequest request)
    {
        var role = ScriptedRequest.Text(request.Messages[^1]["role"]);
        if (role == "user" && request.Tools.Count > 0)
        {
            return ScriptedAnswer.Call(Calls(request.Tools[0], request.Question));
        }

        return ScriptedAnswer.Say(role == "tool" ? FromToolResults(request) : Reply(request.Question));
    }

    /// <summary>One call for each city of the question, all at once as a model does it.</summary>
    private static List<ScriptedToolCall> Calls(JsonObject tool, string question)
    {
        var name = ScriptedRequest.Text(tool["name"]) ?? "";
        var cities = Cities.Where(city => question.Contains(city.English, StringComparison.OrdinalIgnoreCase) || question.Contains(city.Japanese, StringComparison.Ordinal)).ToList();
        if (cities.Count == 0)
        {
            cities.Add(Cities[0]);
        }

        return [.. cities.Select(city => new ScriptedToolCall(ScriptedId.ToolCall(), name, Arguments(tool, city.English)))];
    }

    private static string Arguments(JsonObject tool, string city)
    {
        var arguments = new JsonObject();
        foreach (var (name, schema) in tool["parameters"]?["properties"] as JsonObject ?? [])
        {
            arguments[name] = ScriptedRequest.Text(schema?["type"]) switch
            {
                "string" when schema!["enum"] is JsonArray { Count: > 0 } choices => choices[0]?.DeepClone(),
                "string" => city,
                "integer" or "number" => 1,
                "boolean" => true,
                "array" => new JsonArray(),
                _ => new JsonObject(),
            };
        }

        return System.Text.Encoding.UTF8.GetString(ScriptedJson.ToUtf8(arguments));
    }

    private static string FromToolResults(ScriptedRequest request)
    {
        var calls = request.Messages
            .SelectMany(message => message["tool_calls"] as JsonArray ?? [])
            .OfType<JsonObject>()
            .ToDictionary(call => ScriptedRequest.Text(call["id"]) ?? "", call => City(ScriptedRequest.Text(call["function"]?["arguments"])), StringComparer.Ordinal);
        var isJapanese = IsJapanese(request.Question);
        var sentences = request.Messages
            .Where(message => ScriptedRequest.Text(message["role"]) == "tool")
            .Select(message => (City: calls.GetValueOrDefault(ScriptedRequest.Text(message["tool_call_id"]) ?? ""), Weather: ScriptedRequest.Content(message)))
            .Select(result => isJapanese ? Japanese(result.City, result.Weather) : $"The weather in {result.City ?? "that city"} today is {result.Weather}.");
        return string.Join(isJapanese ? "" : " ", sentences);
    }

    private static string Japanese(string? city, string weather)
    {
        var name = Cities.FirstOrDefault(known => known.English == city).Japanese ?? city ?? "その都市";
        return $"今日の{name}の天気は{JapaneseWeather.GetValueOrDefault(weather, weather)}です。";
    }

    private static string? City(string? arguments)
    {
        try
        {
            return (JsonNode.Parse(arguments ?? "{}") as JsonObject)?.Select(argument => ScriptedRequest.Text(argument.Value)).FirstOrDefault(text => text is not null);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Reply(string question)
    {
        bool Has(string word) => question.Contains(word, StringComparison.OrdinalIgnoreCase);
        return IsJapanese(question)
            ? (Has("首都"), Has("タイタン")) switch
            {
                (true, _) => "フランスの首都はパリです。",
                (_, true) => "タイタンの表面温度は約マイナス179℃です。コップ一杯の水は、表面から数分で凍り始め、数時間で芯まで凍るでしょう。",
                _ => "私は台本どおりに答えるデモ用のエンドポイントなので、この質問の答えは用意されていません。",
            }
            : (Has("capital"), Has("Titan")) switch
            {
                (true, _) => "The capital of France is Paris.",
                (_, true) => "On Titan the surface is at about -179 °C, in a dense nitrogen atmosphere that carries heat away quickly. "
                    + "A glass of water would begin to freeze at its surface within minutes and would be frozen through within a few hours.",
                _ => "I am the demo's scripted endpoint and have no line prepared for this question.",
            };
    }

    private static bool IsJapanese(string text) => text.Any(c => c is (>= '\u3040' and <= '\u30FF') or (>= '\u4E00' and <= '\u9FFF'));
}
