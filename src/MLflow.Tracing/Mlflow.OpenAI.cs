namespace MLflow;

public static partial class Mlflow
{
    /// <summary>Turns automatic tracing off for every integration, or on again for those that were on.</summary>
    /// <param name="disable">True turns tracing off: no further call is seen and nothing is left behind in the process.</param>
    public static void Autolog(bool disable = false) => OpenAI.Autolog(disable);

    /// <summary>Automatic tracing of OpenAI calls.</summary>
    public static class OpenAI
    {
        /// <summary>
        /// Makes every OpenAI call of this process a trace, whichever client sends it and whenever that was made. Calling it again changes the options only.
        /// </summary>
        /// <param name="disable">True turns it off.</param>
        /// <param name="configure">Changes the options. Those that it leaves alone have their defaults.</param>
        /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
        public static void Autolog(bool disable = false, Action<OpenAIAutologOptions>? configure = null) =>
            OpenAIAutolog.Set(Client, disable, configure);
    }
}
