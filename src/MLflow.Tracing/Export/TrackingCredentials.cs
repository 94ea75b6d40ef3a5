using System.Net.Http.Headers;
using System.Text;

namespace MLflow;

/// <summary>
/// The Authorization header for a tracking server, as MLflow's clients find it: name and password of the environment, else those in the address, else those
/// of the user's file <c>~/.mlflow/credentials</c>, else a token of the environment.
/// </summary>
internal static class TrackingCredentials
{
    public const string UsernameVariable = "MLFLOW_TRACKING_USERNAME";
    public const string PasswordVariable = "MLFLOW_TRACKING_PASSWORD";
    public const string TokenVariable = "MLFLOW_TRACKING_TOKEN";

    /// <summary>The user's file; null where there is no home.</summary>
    public static string? DefaultFile { get; } =
        Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) is { Length: > 0 } home ? Path.Combine(home, ".mlflow", "credentials") : null;

    /// <param name="address">The server.</param>
    /// <param name="variable">The environment.</param>
    /// <param name="file">The user's file; null for none.</param>
    public static AuthenticationHeaderValue? For(Uri address, Func<string, string?> variable, string? file = null)
    {
        var user = variable(UsernameVariable);
        var password = variable(PasswordVariable);
        if (!string.IsNullOrEmpty(user) && !string.IsNullOrEmpty(password))
        {
            return Basic($"{user}:{password}");
        }

        if (address.UserInfo.Length > 0)
        {
            return Basic(Uri.UnescapeDataString(address.UserInfo));
        }

        if (ReadFile(file) is { } pair)
        {
            return Basic(pair);
        }

        return variable(TokenVariable) is { Length: > 0 } token ? Bearer(token) : null;
    }

    public static AuthenticationHeaderValue Bearer(string token) => new("Bearer", token);

    public static AuthenticationHeaderValue Basic(string pair) => new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(pair)));

    /// <summary>Section <c>[mlflow]</c> with <c>mlflow_tracking_username</c> and <c>mlflow_tracking_password</c>, as <c>mlflow login</c> writes it.</summary>
    private static string? ReadFile(string? file)
    {
        string[] lines;
        try
        {
            lines = file is not null && File.Exists(file) ? File.ReadAllLines(file) : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        string? user = null, password = null;
        var isOurs = false;
        foreach (var line in lines.Select(line => line.Trim()))
        {
            if (line.StartsWith('['))
            {
                isOurs = line == "[mlflow]";
            }
            else if (isOurs && line.IndexOfAny(['=', ':']) is > 0 and var at)
            {
                var value = line[(at + 1)..].Trim();
                switch (line[..at].Trim())
                {
                    case "mlflow_tracking_username":
                        user = value;
                        break;
                    case "mlflow_tracking_password":
                        password = value;
                        break;
                    default:
                        break;
                }
            }
        }

        return string.IsNullOrEmpty(user) || string.IsNullOrEmpty(password) ? null : $"{user}:{password}";
    }
}
