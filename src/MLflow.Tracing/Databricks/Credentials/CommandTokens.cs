using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace MLflow;

/// <summary>Tokens that a command-line program hands out to the user who has signed in with it: <c>az</c> or <c>databricks</c>.</summary>
internal sealed class CommandTokens : ITokenSource
{
    private const int MaxMessageLength = 300;
    private readonly DatabricksConfig _config;
    private readonly TimeProvider _timeProvider;
    private readonly string _program;
    private readonly string[] _arguments;
    private readonly Func<JsonElement, TimeProvider, AccessToken?> _read;

    private CommandTokens(DatabricksConfig config, TimeProvider timeProvider, string program, string[] arguments, Func<JsonElement, TimeProvider, AccessToken?> read)
    {
        _config = config;
        _timeProvider = timeProvider;
        _program = program;
        _arguments = arguments;
        _read = read;
    }

    public string Origin => $"'{Path.GetFileNameWithoutExtension(_program)} {string.Join(' ', _arguments)}'";

    public static CommandTokens Azure(DatabricksConfig config, TimeProvider timeProvider, string program)
    {
        string[] arguments = ["account", "get-access-token", "--resource", AzureTokens.Databricks, "--output", "json"];
        return new(config, timeProvider, program, config[DatabricksAttribute.AzureTenantId] is { } tenant ? [.. arguments, "--tenant", tenant] : arguments, ReadAzure);
    }

    public static CommandTokens Databricks(DatabricksConfig config, TimeProvider timeProvider, string program) => new(
        config,
        timeProvider,
        program,
        config.Profile is { } profile
            ? ["auth", "token", "--profile", profile]
            : ["auth", "token", "--host", config.Host.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped)],
        ReadDatabricks);

    public async Task<AccessToken> FetchAsync(CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(_program, _arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, UseShellExecute = false, CreateNoWindow = true };
        try
        {
            using var process = Process.Start(start)!;
            process.StandardInput.Close();
            try
            {
                var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
                var error = process.StandardError.ReadToEndAsync(cancellationToken);
                await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
                return process.ExitCode == 0 && Read(await output.ConfigureAwait(false)) is { } token
                    ? token
                    : throw Failure(process.ExitCode == 0 ? "it did not write a token" : (await error.ConfigureAwait(false)).Trim());
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                throw;
            }
        }
        catch (Exception e) when (e is Win32Exception or IOException or InvalidOperationException)
        {
            throw Failure(e.Message);
        }
    }

    private AccessToken? Read(string output)
    {
        try
        {
            return _read(JsonElement.Parse(output), _timeProvider);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private ExportFailureException Failure(string why) =>
        new(ExportFailureKind.Held, DropReasons.InvalidAnswer, $"{Origin} gives no access token: {TracePreview.Cut(_config.Conceal(why), MaxMessageLength)}");

    /// <summary><c>expires_on</c> in seconds since 1970, before that a local time.</summary>
    private static AccessToken? ReadAzure(JsonElement answer, TimeProvider timeProvider)
    {
        if (ApiJson.Text(answer, "accessToken") is not { Length: > 0 } value)
        {
            return null;
        }

        DateTimeOffset? end = null;
        if (long.TryParse(ApiJson.Text(answer, "expires_on"), NumberStyles.Integer, CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and < 253_402_300_799)
        {
            end = DateTimeOffset.FromUnixTimeSeconds(seconds);
        }
        else if (DateTime.TryParseExact(ApiJson.Text(answer, "expiresOn"), "yyyy-MM-dd HH:mm:ss.ffffff", CultureInfo.InvariantCulture, DateTimeStyles.None, out var local))
        {
            end = new DateTimeOffset(local, timeProvider.LocalTimeZone.GetUtcOffset(local));
        }

        return new AccessToken(ApiJson.Text(answer, "tokenType") ?? "Bearer", value, end is null ? null : ExpiringTokens.Lifetime(end.Value, timeProvider));
    }

    private static AccessToken? ReadDatabricks(JsonElement answer, TimeProvider timeProvider) => ApiJson.Text(answer, "access_token") is { Length: > 0 } value
        ? new AccessToken(
            ApiJson.Text(answer, "token_type") is { Length: > 0 } type ? type : "Bearer",
            value,
            DateTimeOffset.TryParse(ApiJson.Text(answer, "expiry"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var end) ? ExpiringTokens.Lifetime(end, timeProvider) : null)
        : null;
}
