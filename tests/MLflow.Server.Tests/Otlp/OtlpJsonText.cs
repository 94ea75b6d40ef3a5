using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;

namespace MLflow.Server.Tests.Otlp;

/// <summary>Writes a request in OTLP's JSON: protobuf's own, with ids in hexadecimal.</summary>
internal static class OtlpJsonText
{
    public static string Of(IMessage request)
    {
        var json = JsonNode.Parse(JsonFormatter.Default.Format(request))!;
        Change(json);
        return json.ToJsonString();
    }

    private static void Change(JsonNode? node)
    {
        if (node is JsonArray array)
        {
            foreach (var item in array)
            {
                Change(item);
            }
        }
        else if (node is JsonObject members)
        {
            foreach (var (name, value) in members.ToList())
            {
                if (name is "traceId" or "spanId" or "parentSpanId" && value!.GetValueKind() == JsonValueKind.String)
                {
                    members[name] = Convert.ToHexStringLower(Convert.FromBase64String(value.GetValue<string>()));
                }
                else
                {
                    Change(value);
                }
            }
        }
    }
}
