// Reads one JSON request from stdin, answers with one JSON line. The npm package "paseto" does the work.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const folder = process.argv[2]
const load = (file) => import(pathToFileURL(`${folder}/${file}`).href)
const { PublicProtocol } = await load('index.js')
const v4 = await load('v4/public.js')
const paseto = new PublicProtocol(
  v4.VerifyFactory, v4.SignFactory, v4.ImportPublicKeyFactory, v4.ImportSecretKeyFactory,
  v4.ExportPublicKeyFactory, v4.GetPublicKeyFactory,
)
const request = JSON.parse(readFileSync(0, 'utf8'))
const bytes = (text) => new TextEncoder().encode(text)
const now = new Date(request.now)
const implicitAssertion = bytes(request.deployment)

const publicKey = await paseto.ImportPublicKey(request.publicKey)
const answers = []
for (const token of request.tokens) {
  try {
    const { claims, footer } = await paseto.Verify(publicKey, token, {
      now, audience: request.audience, implicitAssertion,
      requiredClaims: request.requiredClaims,
    })
    answers.push({ claims, footer: new TextDecoder().decode(footer) })
  } catch (error) {
    answers.push({ error: error.name })
  }
}
const secretKey = await paseto.ImportSecretKey(request.secretKey, { extractable: true })
const signed = await paseto.Sign(secretKey, request.claims, {
  footer: bytes(request.footer), implicitAssertion, addIssuedAt: false, now,
})
const derived = await paseto.ExportPublicKey(await paseto.GetPublicKey(secretKey))
console.log(JSON.stringify({ answers, signed, derived }))
