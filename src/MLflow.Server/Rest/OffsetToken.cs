using System.Globalization;
using System.Text;
using System.Text.Json;

namespace MLflow.Server.Rest;

/// <summary>MLflow's page token: the base64 of <c>{"offset": 1}</c>. For answers that are computed anew for each page; searches have better ones.</summary>
internal static class OffsetToken
{
    public static string Encode(int offset) => Convert.ToBase64String(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"offset\": {offset}}}")));

    /// <returns>0 where there is no token.</returns>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: not a token.</exception>
    public static int Decode(string? token)
    {
        if (string.IsNullOrEmpty(token))
        {
            return 0;
        }

        byte[] json;
        try
        {
            json = Convert.FromBase64String(token);
        }
        catch (FormatException)
        {
            throw Invalid($"Invalid page token, could not base64-decode '{token}'");
        }

        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("offset", out var offset)
                && offset.ValueKind == JsonValueKind.Number && offset.TryGetInt32(out var number) && number >= 0
                ? number
                : throw Invalid($"Invalid page token, parsed value={document.RootElement.GetRawText()}");
        }
        catch (JsonException)
        {
            throw Invalid($"Invalid page token, decoded value={Encoding.UTF8.GetString(json)}");
        }
    }

    private static MlflowException Invalid(string message) => new(ErrorCode.INVALID_PARAMETER_VALUE, message);
}
